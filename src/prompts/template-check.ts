import { Liquid, type LiquidError, type Template, type Variable as Use } from 'liquidjs';
import { placeOf, type TemplatePlace, type VariableName, variableOf } from './template-variables.ts';

/** A template that was found fit to be spoken, or to be read by the model. */
export interface FitTemplate {
  name: string;
  text: string;
  place: TemplatePlace;
  parsed: Template[];
  /** Null for everything it may use, to be overlaid with what there is. */
  nothing: Record<string, null>;
}

/** What is wrong with a template, and where. */
export interface TemplateProblem {
  /** From 1. */
  line: number;
  column: number;
  message: string;
}

export type CheckedTemplate =
  | { fit: true; template: FitTemplate }
  | { fit: false; problems: TemplateProblem[] };

/** Longer than any prompt that leaves room for a call; bounds what an editor can make us parse, and a model read. */
const textMax = 50_000;
/** A template renders in microseconds; one that takes a second goes round in a loop. */
const renderMsMax = 1_000;
/** Room for the longest prompt many times over, and none for `(1..100000000)`. */
const memoryMax = 1_000_000;

/** The server's clock and chance: what they print differs between processes and is not the clinic's time. */
const filtersWithout = ['sample', 'date', 'date_to_xmlschema', 'date_to_rfc822', 'date_to_string'];
/** Tags that read other files. */
const tagsWithout = ['include', 'render', 'layout', 'block'];

const engine = new Liquid({
  strictVariables: true,
  strictFilters: true,
  ownPropertyOnly: true,
  parseLimit: textMax,
  renderLimit: renderMsMax,
  memoryLimit: memoryMax,
});
for (const name of [...filtersWithout, 'date_to_long_string']) delete engine.filters[name];
for (const name of tagsWithout) delete engine.tags[name];

/**
 * Checks a template in every branch, also those that today's values do not take: syntax, filters, variables against
 * the list of its kind; then renders it with everything there can be, and with everything absent that can be.
 *
 * @param name decides what it may use, e.g. `system` or `speech/en/offered`
 */
export function checkTemplate(name: string, text: string): CheckedTemplate {
  const place = placeOf(name);
  if (place === undefined) return unfit([at(1, 1, `nothing asks for a template named ${name}`)]);
  if (text.length > textMax) return unfit([at(1, 1, `it is longer than ${textMax} characters`)]);
  let parsed: Template[];
  try {
    parsed = engine.parse(text);
  } catch (error) {
    return unfit([problemOf(error)]);
  }
  const unknown = unknownUses(parsed, place);
  if (unknown.length > 0) return unfit(unknown);
  const nothing = Object.fromEntries(place.variables.map((variable) => [variable, null]));
  const template = { name, text, place, parsed, nothing };
  const problem = unsayable(template);
  return problem === undefined ? { fit: true, template } : unfit([problem]);
}

/** @throws when it cannot be rendered, or not within the limits */
export function renderTemplate(template: FitTemplate, values: Record<string, unknown>): string {
  const text = String(engine.renderSync(template.parsed, { ...template.nothing, ...values })).trim();
  const { kind } = template.place;
  // Templates may be laid out over lines; what is spoken or sent is one.
  return kind === 'speech' || kind === 'sms' ? text.replace(/\s+/g, ' ') : text;
}

/** Values to try a template with: an example of each, or only of those that are always there. */
export function exampleValues(
  { variables }: Pick<TemplatePlace, 'variables'>,
  { withOptional }: { withOptional: boolean },
): Record<string, unknown> {
  const value = (name: VariableName) => {
    const { example, optional } = variableOf(name);
    return optional && !withOptional ? null : example;
  };
  return Object.fromEntries(variables.map((name) => [name, value(name)]));
}

/** "prompts/system.liquid, line 3, column 7: …". */
export function problemLine(where: string, { line, column, message }: TemplateProblem): string {
  return `${where}, line ${line}, column ${column}: ${message}`;
}

function unknownUses(parsed: Template[], { variables }: TemplatePlace): TemplateProblem[] {
  const { globals, variables: all, locals } = engine.analyzeSync(parsed, { partials: false });
  const known = new Set<string>(variables);
  const unknown = Object.entries(globals).flatMap(([name, uses]) =>
    known.has(name)
      ? []
      : uses.map((use) => problemAt(use, `unknown variable ${name}; there are: ${[...known].join(', ')}`)),
  );
  // Names inside lists cannot be followed through loops; a field that no list has is a mistake wherever it stands.
  const fields = new Set(variables.flatMap((name) => variableOf(name).fields ?? []));
  const strange = Object.entries(all).flatMap(([name, uses]) =>
    name === 'forloop' || Object.hasOwn(locals, name) || (known.has(name) && name in globals)
      ? []
      : uses.flatMap((use) => {
          const [, field] = use.segments;
          if (typeof field !== 'string' || fields.has(field) || Object.hasOwn(globals, name)) return [];
          return [problemAt(use, `unknown field ${field} of ${name}; there are: ${[...fields].join(', ')}`)];
        }),
  );
  return [...unknown, ...strange];
}

/** A caller who hears nothing hangs up: whatever is absent, something is said. */
function unsayable(template: FitTemplate): TemplateProblem | undefined {
  for (const withOptional of [true, false]) {
    try {
      const text = renderTemplate(template, exampleValues(template.place, { withOptional }));
      // A call of which nothing is known yet needs no lines about it.
      const when = withOptional ? '' : ' when everything is absent that can be';
      if (text === '' && template.place.kind !== 'call') return at(1, 1, `it says nothing${when}`);
      if (text.length > textMax) return at(1, 1, `it makes more than ${textMax} characters${when}`);
    } catch (error) {
      return problemOf(error);
    }
  }
  return undefined;
}

function unfit(problems: TemplateProblem[]): CheckedTemplate {
  return { fit: false, problems };
}

function at(line: number, column: number, message: string): TemplateProblem {
  return { line, column, message };
}

function problemAt({ location }: Use, message: string): TemplateProblem {
  return at(location.row, location.col, message);
}

function problemOf(error: unknown): TemplateProblem {
  const { token, message } = error as LiquidError;
  const [line = 1, column = 1] = token?.getPosition() ?? [];
  return at(line, column, message.replace(/(?:, file:.*)?, line:\d+, col:\d+$/s, ''));
}
