import { demoClinic } from '../src/organization/demo-clinic.ts';

/** What a call's history holds besides the caller's last words, as Vapi sends it. */
const smallTalk = [
  ['user', 'Hi, good morning. I would like to ask something about an appointment.'],
  ['assistant', 'Of course. Which day would suit you?'],
  ['user', 'I am not sure yet. It is about a check-up, and maybe my son comes along as well.'],
  ['assistant', 'That is fine. Each of you needs a time of your own; shall we look for two in a row?'],
] as const;

/**
 * A custom-LLM request as Vapi sends it: the assistant's prompt, the whole history, Vapi's own tools, and the call.
 *
 * @param messages how long the history is, the system message left out
 */
export function chatBody(
  callSid: string,
  lastWords: string,
  {
    messages = 5,
    stream = true,
    assistantId = demoClinic.assistantId,
  }: { messages?: number; stream?: boolean; assistantId?: string } = {},
): string {
  const before = Array.from({ length: Math.max(0, messages - 1) }, (_, n) => {
    const [role, content] = smallTalk[n % smallTalk.length] ?? smallTalk[0];
    return { role, content };
  });
  return JSON.stringify({
    model: 'receptionist',
    stream,
    temperature: 0.4,
    max_tokens: 250,
    timestamp: Date.now(),
    messages: [{ role: 'system', content: dashboardPrompt }, ...before, { role: 'user', content: lastWords }],
    tools: [
      {
        type: 'function',
        function: {
          name: 'endCall',
          description: 'Ends the call.',
          parameters: { type: 'object', properties: {} },
        },
      },
    ],
    call: callObject(callSid, assistantId),
    phoneNumber: { id: 'bench-number', number: '+15550100000', provider: 'twilio' },
    customer: { number: '+12125550142' },
    metadata: { numUserTurns: Math.ceil(messages / 2), numAssistantTurns: Math.floor(messages / 2) },
  });
}

/** A `tool-calls` message of about 8 KB: Vapi repeats the assistant's tools and the artifact of the call in it. */
export function toolCallsBody(callSid: string, name: string, args: object): string {
  const toolCall = {
    id: `call_${callSid.slice(0, 8)}`,
    type: 'function',
    function: { name, arguments: args },
  };
  const filler = Array.from({ length: 18 }, (_, n) => {
    const [role, content] = smallTalk[n % smallTalk.length] ?? smallTalk[0];
    return { role, message: content, time: 1_700_000_000_000 + n, secondsFromStart: n, duration: 900 };
  });
  return JSON.stringify({
    message: {
      type: 'tool-calls',
      timestamp: 1_700_000_000_000,
      toolCalls: [toolCall],
      toolCallList: [toolCall],
      toolWithToolCallList: [
        { type: 'function', function: { name, description: 'x'.repeat(400) }, toolCall },
      ],
      artifact: {
        messages: filler,
        messagesOpenAIFormatted: filler.map(({ role, message }) => ({ role, content: message })),
      },
      call: callObject(callSid, demoClinic.assistantId),
      phoneNumber: { id: 'bench-number', number: '+15550100000' },
      customer: { number: '+12125550142' },
      assistant: {
        id: demoClinic.assistantId,
        name: 'Receptionist',
        model: { messages: [{ role: 'system', content: dashboardPrompt }] },
      },
    },
  });
}

/** A call has started: Vapi says so while it greets the caller. */
export function startedBody(callSid: string): string {
  return JSON.stringify({
    message: {
      type: 'status-update',
      status: 'in-progress',
      call: callObject(callSid, demoClinic.assistantId),
      phoneNumber: { id: 'bench-number', number: '+15550100000' },
      customer: { number: '+12125550142' },
    },
  });
}

function callObject(callSid: string, assistantId: string): object {
  return {
    id: callSid,
    orgId: 'bench-org',
    type: 'inboundPhoneCall',
    status: 'in-progress',
    assistantId,
    phoneNumberId: 'bench-number',
    phoneCallProvider: 'twilio',
    phoneCallTransport: 'pstn',
    createdAt: '2026-11-24T15:00:00.000Z',
    monitor: { listenUrl: 'wss://phone.example/listen', controlUrl: 'https://phone.example.vapi.ai/control' },
  };
}

/** Some two kilobytes, as people write into Vapi's dashboard. */
const dashboardPrompt = Array.from(
  { length: 18 },
  (_, n) => `Rule ${n + 1}: be brief, be kind, and never promise what the tools have not said in this call.`,
).join('\n');
