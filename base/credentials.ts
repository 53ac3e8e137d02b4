/** A text with what stands before the `@` of the addresses in it replaced by dots: names and passwords are not printed. */
export const hideCredentials = (text: string): string =>
  // Greedy: a password that was not encoded may hold an @, or a slash.
  text.replace(/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s"']*@/gi, '$1…@');

/** Whether an address has a name or a password before its host. */
export const hasCredentials = (url: string): boolean => /^[a-z][a-z0-9+.-]*:\/\/[^?#]*@/i.test(url);
