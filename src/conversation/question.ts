import type { ModelMessage, ModelTool } from '#model/language-model.ts';
import type { ToolContext } from '#tools/tool.ts';
import type { Toolbox } from '#tools/toolbox.ts';
import { PendingAnswer } from './pending-answer.ts';
import type { TurnSpans } from './spans.ts';
import type { TurnRequest } from './turn-events.ts';
import type { TurnParts } from './turn-parts.ts';

/** What the model is asked for a turn, and its answer, which is on its way. */
export interface Question {
  messages: ModelMessage[];
  tools: ModelTool[];
  answer: PendingAnswer;
}

/** Asks the model what to say next, in front of it what is so in the call. */
export function ask(
  parts: TurnParts,
  request: TurnRequest,
  {
    about,
    stop,
    spans,
  }: {
    about: Pick<ToolContext, 'organization' | 'facts' | 'now' | 'language'>;
    stop: AbortSignal;
    spans: TurnSpans;
  },
): Question {
  const startedMs = performance.now();
  const system = parts.systemPrompt({ ...about, dashboardPrompt: request.dashboardPrompt });
  const messages: ModelMessage[] = [{ role: 'system', content: system }, ...request.history];
  const ours = parts.toolbox.definitionsFor(request.organization);
  const tools = [...ours, ...broughtTools(parts.toolbox, request)];
  const answer = new PendingAnswer(parts.model, { messages, tools }, stop);
  spans.note('prompt', performance.now() - startedMs);
  return { messages, tools, answer };
}

/** The platform's tools; one that bears the name of ours would take our calls away and is left out. */
export function broughtTools(toolbox: Toolbox, { platformTools }: TurnRequest): ModelTool[] {
  return platformTools.filter((tool) => !toolbox.has(tool.function.name));
}
