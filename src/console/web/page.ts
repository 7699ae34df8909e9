import type { Api, OrganizationAnswer } from './api.ts';

/** What every page gets. */
export interface PageProps {
  api: Api;
  organization: OrganizationAnswer;
  /** Whether the key may change something. */
  mayEdit: boolean;
  /** What stands behind the page's name in the address. */
  rest: string;
}
