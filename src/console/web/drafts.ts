/** Templates as they stand in the editor, on their way to a tried call: by name. They live in this tab only. */
type Drafts = Record<string, string>;

let kept: { organization: string; drafts: Drafts } | undefined;

/** Keeps an unsaved text for the next call from the line's page. */
export function tryDraft(organization: string, name: string, text: string): void {
  kept = { organization, drafts: { [name]: text } };
}

/** The unsaved texts for a call; they are given once. */
export function takeDrafts(organization: string): Drafts {
  const drafts = kept?.organization === organization ? kept.drafts : {};
  kept = undefined;
  return drafts;
}
