import { isIPv6 } from 'node:net';

const groupsOf = (address: string): readonly string[] => address.split(':').filter((group) => group !== '');

/** The first four groups of an IPv6 address (a /64, which one subscriber has). `::` stands for missing groups of 0. */
const networkOf = (address: string): string =>
  groupsOf(address.replace('::', `:${'0:'.repeat(8 - groupsOf(address).length)}`))
    .slice(0, 4)
    .join(':');

/** IPv4, also where IPv6 contains it (`::ffff:10.0.0.7`). */
const ipv4Of = (address: string): string | undefined =>
  address.includes('.') ? address.slice(address.lastIndexOf(':') + 1) : undefined;

/** The client that an address belongs to: itself for IPv4, its /64 for IPv6. */
export const clientOf = (address: string): string =>
  ipv4Of(address) ?? (isIPv6(address) ? networkOf(address) : address);

/** The neighbourhood of an address, in which one owner often has many: the /24 of IPv4, the /64 of IPv6. */
export const subnetOf = (address: string): string => {
  const ipv4 = ipv4Of(address);
  return ipv4 === undefined ? clientOf(address) : ipv4.slice(0, ipv4.lastIndexOf('.'));
};
