import { isDeepStrictEqual } from 'node:util';
import {
  type AssistantBlocks,
  type AssistantHook,
  type AssistantTool,
  isOurHook,
} from './assistant-blocks.ts';

/** An assistant as Vapi tells it; only what we look at is known here. */
export type VapiAssistant = Record<string, unknown>;

export interface AssistantPlan {
  /** The top-level blocks that change, each whole: Vapi replaces what it is sent, it does not merge. */
  patch: VapiAssistant;
  /** The same blocks as they are now. */
  now: VapiAssistant;
  /** What could not be arranged, in words. */
  notes: string[];
}

export type Planned = { ok: true; plan: AssistantPlan } | { ok: false; problem: string };

/** What a model block may hold besides ours (Vapi's `CustomLLMModel`); other providers' own fields would be refused. */
const modelFields = [
  'messages',
  'tools',
  'toolIds',
  'toolRefs',
  'knowledgeBase',
  'wordLevelConfidenceEnabled',
  'temperature',
  'maxTokens',
  'emotionRecognitionEnabled',
  'numFastTurns',
];

/**
 * What has to change for an assistant to point at us. Kept are its owner's prompt, voice, saved and foreign tools,
 * other hooks and headers, and whatever Vapi adds of its own, so that a second look finds nothing to change.
 *
 * @param current the assistant as Vapi tells it
 * @param speaks whose model speaks in this organization
 * @param ourToolNames functions of ours, which belong into the assistant only where the platform's model speaks
 */
export function planAssistant(
  current: VapiAssistant,
  wanted: AssistantBlocks,
  { speaks, ourToolNames }: { speaks: 'holdline' | 'platform'; ourToolNames: string[] },
): Planned {
  const notes: string[] = [];
  const model = isObject(current['model']) ? current['model'] : undefined;
  if (speaks === 'platform' && (model === undefined || model['provider'] === 'custom-llm')) {
    return {
      ok: false,
      problem:
        'the organization says that a model of Vapi’s own speaks (model: platform), but the assistant has none; choose one at Vapi, or set model to holdline',
    };
  }
  const tools = mergedTools(listOf(model?.['tools']), wanted.tools, ourToolNames);
  const kept = Object.fromEntries(Object.entries(model ?? {}).filter(([name]) => modelFields.includes(name)));
  const headers = model?.['provider'] === 'custom-llm' ? { headers: model['headers'] ?? {} } : {};
  const next: VapiAssistant = {
    model:
      speaks === 'holdline'
        ? { ...(over({ ...kept, ...headers }, wanted.model) as object), tools }
        : { ...model, tools },
    server: over(current['server'], wanted.server),
    serverMessages: over(current['serverMessages'], wanted.serverMessages),
    hooks: mergedHooks(listOf(current['hooks']), wanted.hooks),
  };
  if (isObject(current['voice'])) {
    next['voice'] = over(current['voice'], { chunkPlan: wanted.chunkPlan });
  } else
    notes.push(
      'the assistant names no voice, so that its pace (voice.chunkPlan) cannot be set; choose a voice at Vapi',
    );
  if (speaks === 'holdline' && wanted.hooks.length === 0) {
    notes.push(
      'the organization has no humanNumber: when Holdline is down, callers are put through to nobody',
    );
  }
  const changed = Object.keys(next).filter(
    (name) => !isDeepStrictEqual(current[name] ?? empty(next[name]), next[name]),
  );
  const pick = (from: VapiAssistant) => Object.fromEntries(changed.map((name) => [name, from[name]]));
  return { ok: true, plan: { patch: pick(next), now: pick(current), notes } };
}

/** No list and an empty one are the same to Vapi. */
function empty(value: unknown): unknown {
  return Array.isArray(value) && value.length === 0 ? [] : undefined;
}

/** The assistant's tools with ours among them, each in the place it has; functions of ours that are not wanted go. */
function mergedTools(current: unknown[], wanted: AssistantTool[], ourToolNames: string[]): unknown[] {
  const missing = new Map(wanted.map((tool) => [nameOf(tool), tool]));
  const merged = current.flatMap((tool) => {
    const name = nameOf(tool);
    const ours = missing.get(name);
    missing.delete(name);
    if (ours !== undefined) return [over(tool, ours)];
    return ourToolNames.includes(name) ? [] : [tool];
  });
  return [...merged, ...missing.values()];
}

function mergedHooks(current: unknown[], wanted: AssistantHook[]): unknown[] {
  const missing = [...wanted];
  const merged = current.flatMap((hook) => {
    if (!isOurHook(hook)) return [hook];
    const ours = missing.shift();
    return ours === undefined ? [] : [over(hook, ours)];
  });
  return [...merged, ...missing];
}

/**
 * What is wanted over what is there: named fields change, others stay. Of a list, what is wanted stays alone, but
 * an entry that is there already keeps what was added to it. Lists of words are the same in any order.
 */
function over(current: unknown, wanted: unknown): unknown {
  if (Array.isArray(wanted)) {
    const there = listOf(current);
    if (isDeepStrictEqual(new Set(there), new Set(wanted))) return current;
    return wanted.map((one) => over(matching(there, one), one));
  }
  if (!isObject(wanted) || !isObject(current)) return wanted;
  const changed = Object.entries(wanted).map(([name, value]) => [name, over(current[name], value)]);
  return { ...current, ...Object.fromEntries(changed) };
}

/** The entry of a list that is about the same thing. */
function matching(there: unknown[], wanted: unknown): unknown {
  if (!isObject(wanted)) return undefined;
  return there.find(
    (one) => isObject(one) && one['type'] === wanted['type'] && one['number'] === wanted['number'],
  );
}

function nameOf(tool: unknown): string {
  if (!isObject(tool)) return '';
  const { type, function: called } = tool;
  const name = isObject(called) ? called['name'] : undefined;
  return type === 'function' && typeof name === 'string' ? name : `type ${String(type)}`;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
