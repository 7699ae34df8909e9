import { createTwoFilesPatch } from 'diff';
import type { Sql } from 'postgres';
import { currentOverrides, type OverrideVersion } from './overrides.ts';
import { checkTemplate, exampleValues, renderTemplate, type TemplateProblem } from './template-check.ts';
import { placeOf, type TemplateKind, type Variable, variableOf } from './template-variables.ts';
import type { Prompts } from './templates.ts';

/** One template as an editor sees it. */
export interface ListedTemplate {
  name: string;
  kind: TemplateKind;
  /** Of speech and text messages. */
  language: string | undefined;
  variables: ({ name: string } & Variable)[];
  /** `null` where only the organization has such a template, e.g. in a language we do not ship. */
  shipped: string | null;
  /** The organization's newest version; its text is `null` when it went back to the shipped one. */
  override: (OverrideVersion & { problems: TemplateProblem[] }) | undefined;
  /** Which of the two is spoken. */
  serves: 'shipped' | 'override';
}

/** Every template there is for an organization, sorted by name; without one, the shipped templates. */
export async function listTemplates(
  prompts: Prompts,
  sql: Sql,
  tenantId?: string,
): Promise<ListedTemplate[]> {
  const changed = tenantId === undefined ? [] : await currentOverrides(sql, tenantId);
  const overrides = new Map(changed.map((override) => [override.name, override]));
  const names = [...new Set([...prompts.shipped.keys(), ...overrides.keys()])].sort();
  return names.flatMap((name) => {
    const place = placeOf(name);
    if (place === undefined) return [];
    const shipped = prompts.shipped.get(name)?.text ?? null;
    const newest = overrides.get(name);
    const checked = newest?.text == null ? undefined : checkTemplate(name, newest.text);
    return [
      {
        name,
        kind: place.kind,
        language: place.language,
        variables: place.variables.map((variable) => ({ name: variable, ...variableOf(variable) })),
        shipped,
        override:
          newest === undefined
            ? undefined
            : { ...newest, problems: checked === undefined || checked.fit ? [] : checked.problems },
        serves: checked?.fit === true ? ('override' as const) : ('shipped' as const),
      },
    ];
  });
}

export type TriedTemplate = { fit: true; text: string } | { fit: false; problems: TemplateProblem[] };

/**
 * Renders a text that is not stored yet, as it would be spoken.
 *
 * @param values overlay the examples of what a template of this name may use
 */
export function tryTemplate(name: string, text: string, values: Record<string, unknown> = {}): TriedTemplate {
  const checked = checkTemplate(name, text);
  if (!checked.fit) return checked;
  const { template } = checked;
  try {
    const all = { ...exampleValues(template.place, { withOptional: true }), ...values };
    return { fit: true, text: renderTemplate(template, all) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { fit: false, problems: [{ line: 1, column: 1, message }] };
  }
}

/** The lines an organization changed, as a unified diff; empty when the texts are the same. */
export function diffToShipped(name: string, shipped: string, changed: string): string {
  if (shipped === changed) return '';
  return createTwoFilesPatch(`shipped/${name}`, `changed/${name}`, ended(shipped), ended(changed));
}

/** A last line without its end would show as a change. */
function ended(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}
