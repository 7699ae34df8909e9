import { z } from 'zod';
import { localDate } from '#organization/clinic-clock.ts';
import type { Organization } from '#organization/organization.ts';
import type { Prompts } from '#prompts/templates.ts';
import { cancelOwnAppointment, findOwnAppointments, moveOwnAppointment } from './change-appointment.ts';
import { checkAvailability } from './check-availability.ts';
import { type Offering, offerNearest } from './offering.ts';
import { reserveSlot } from './reserve-slot.ts';
import { sendSmsReminder } from './send-sms-reminder.ts';
import type { Tool, ToolContext, ToolRun } from './tool.ts';

/** The tools that run in this process. */
export interface Toolbox {
  /**
   * As the model is shown them, in OpenAI's form; the same bytes for every call of an organization, so that a
   * provider's prompt cache holds them. Where several languages are spoken, each tool can be told which.
   */
  definitionsFor(organization: Pick<Organization, 'languages'>): ToolDefinition[];
  has(name: string): boolean;
  /**
   * Runs a tool. Arguments that do not fit the tool's schema give a result with `success: false` that says which,
   * and the sentence of the step the caller is at.
   *
   * @throws when the ledger cannot be reached: then nothing was claimed, or nobody knows yet
   */
  run(name: string, args: unknown, context: ToolContext): Promise<ToolRun>;
  /**
   * What can be said without a model: the next open times, offered like any others.
   *
   * @param human whether somebody can be put on the line
   */
  openTimes(context: ToolContext, human: boolean): Promise<ToolRun>;
}

export interface ToolDefinition {
  type: 'function';
  function: { name: string; description: string; parameters: Record<string, unknown> };
}

/** @param texting whether text messages are really sent */
export function createToolbox(deps: Offering & { prompts: Prompts; texting: boolean }): Toolbox {
  const { prompts } = deps;
  const tools = new Map<string, Tool>();
  for (const tool of [
    checkAvailability(deps, prompts),
    reserveSlot(deps, prompts),
    sendSmsReminder(deps, prompts, deps.texting),
    findOwnAppointments(deps, prompts),
    cancelOwnAppointment(deps, prompts),
    moveOwnAppointment(deps, prompts),
  ]) {
    tools.set(tool.name, tool as unknown as Tool);
  }
  const definitions = new Map<string, ToolDefinition[]>();
  return {
    definitionsFor({ languages }) {
      const key = languages.join();
      const known = definitions.get(key) ?? [...tools.values()].map((tool) => definitionOf(tool, languages));
      definitions.set(key, known);
      return known;
    },
    has: (name) => tools.has(name),
    async run(name, args, context) {
      context.language = languageSaid(args, context.organization) ?? context.language;
      const tool = tools.get(name);
      const parsed = tool?.arguments.safeParse(args);
      if (tool === undefined || parsed === undefined || !parsed.success) {
        const problem = parsed?.error === undefined ? 'no such tool' : z.prettifyError(parsed.error);
        return {
          result: { success: false, reason: 'bad_arguments', problem: problem.replace(/\s+/g, ' ') },
          speech: prompts.speak('not-understood', context, {}),
          settled: Promise.resolve(),
        };
      }
      return tool.run(parsed.data, context);
    },
    async openTimes(context, human) {
      const { organization, now } = context;
      const nearest = await offerNearest(deps, context, localDate(organization.zone, now));
      return {
        result: { success: true, slots: nearest.slots },
        speech: prompts.speak('open-times', context, { ...nearest.words, human }),
        settled: nearest.settled,
      };
    },
  };
}

/** Unknown arguments, such as the `tenantId` older prompts send, are accepted and ignored; the model is not shown any. */
function definitionOf(
  { name, description, arguments: schema }: Tool,
  languages: Organization['languages'],
): ToolDefinition {
  const { $schema: _, ...parameters } = z.toJSONSchema(schema, { io: 'input' }) as Record<string, unknown>;
  const [first, ...others] = languages;
  if (others.length > 0) {
    const language = {
      type: 'string',
      enum: languages,
      description: `The language the caller speaks; leave it out while it is ${first}`,
    };
    parameters['properties'] = { ...(parameters['properties'] as object), language };
  }
  return { type: 'function', function: { name, description, parameters } };
}

const languageGiven = z.object({ language: z.string() });

/** The language the model says the caller speaks, if it is one the organization speaks. */
function languageSaid(args: unknown, { languages }: Organization): string | undefined {
  const given = languageGiven.safeParse(args).data?.language.toLowerCase();
  return given === undefined ? undefined : languages.find((one) => one.toLowerCase() === given);
}
