import type { CallDoor, DoorName } from './call-door.ts';
import { openRelayDoor } from './relay-door.ts';
import { openRetellDoor } from './retell-door.ts';
import { vapiDoor } from './vapi-door.ts';
import type { ServerLine, VapiCall } from './vapi-request.ts';

/** Opens a door of a server for one call. */
export async function openDoor(
  name: DoorName,
  server: ServerLine,
  call: VapiCall,
  { deadlineMs }: { deadlineMs?: number | undefined } = {},
): Promise<CallDoor> {
  if (name === 'retell') return openRetellDoor(server, call);
  if (name === 'twilio') return openRelayDoor(server, call);
  return vapiDoor(server, call, { now: () => new Date(), deadlineMs });
}
