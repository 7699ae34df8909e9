import { BlockList, isIP } from 'node:net';
import type { Organization } from '#organization/organization.ts';

/** An edited organization is another object, so that its list is made once. */
const lists = new WeakMap<Organization, BlockList>();

/** Whether a platform may open a socket from an address with this organization's key; anywhere when it lists none. */
export function isAllowedFrom(organization: Organization, ip: string): boolean {
  if (organization.socketAddresses.length === 0) return true;
  const list = lists.get(organization) ?? listOf(organization.socketAddresses);
  lists.set(organization, list);
  // A machine that listens on both kinds sees an IPv4 address in its IPv6 form.
  const plain = ip.replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(plain) !== 0 && list.check(plain, familyOf(plain));
}

function listOf(addresses: string[]): BlockList {
  const list = new BlockList();
  for (const entry of addresses) {
    const [address = '', bits] = entry.split('/');
    if (isIP(address) === 0) continue;
    if (bits === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(bits), familyOf(address));
  }
  return list;
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
