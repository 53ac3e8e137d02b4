import { expect, it } from 'vitest';
import { clientOf, subnetOf } from '../../../serve/http/client-address.js';

it.each([
  ['10.1.2.3', '10.1.2.3', '10.1.2'],
  ['::ffff:10.1.2.3', '10.1.2.3', '10.1.2'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2', '2001:db8:1:2'],
  ['2001:db8:1:2::9', '2001:db8:1:2', '2001:db8:1:2'],
  ['2001:db8::9', '2001:db8:0:0', '2001:db8:0:0'],
  ['2001:db8::7:1:2:3:9', '2001:db8:0:7', '2001:db8:0:7'],
  ['::1', '0:0:0:0', '0:0:0:0'],
  ['fe80::1%eth0', 'fe80:0:0:0', 'fe80:0:0:0'],
  ['', '', ''],
  ['unix', 'unix', 'unix'],
])('the address %j is of the client %j in the subnet %j', (address, client, subnet) => {
  expect([clientOf(address), subnetOf(address)]).toEqual([client, subnet]);
});
