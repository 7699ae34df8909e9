import type { Directory } from '#organization/directory.ts';
import type { Organization } from '#organization/organization.ts';

/**
 * Does something for every organization, one after another. Where one fails, the others are done; the job then fails,
 * so that it is tried again. Stops early when told to.
 *
 * @throws AggregateError with the fault of each organization that failed
 */
export async function eachOrganization(
  { directory, signal }: { directory: Pick<Directory, 'all'>; signal: AbortSignal },
  work: (organization: Organization) => Promise<void>,
): Promise<void> {
  const faults: unknown[] = [];
  for (const organization of directory.all()) {
    if (signal.aborted) return;
    try {
      await work(organization);
    } catch (error) {
      faults.push(error);
    }
  }
  if (faults.length > 0)
    throw new AggregateError(faults, `it was not done for ${faults.length} organizations`);
}
