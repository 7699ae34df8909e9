import { expect, test } from 'vitest';
import { createOpenAiModel } from '#model/openai.ts';
import { createLog } from '#telemetry/log.ts';
import { Caller, demoKey, type RunningApp, startApp, vapiSecret } from '../running-app.ts';
import { startModelStandIn, toolCalls, words } from '../stand-ins/language-model.ts';

const controlUrl = 'https://phone-call-websocket.vapi.ai/capability-1/control';
const wrongSecret = 'a-guess-that-is-wrong';
const modelKey = 'a-key-of-the-model-only-for-tests';

async function post(app: RunningApp, path: string, body: unknown, secret = vapiSecret): Promise<void> {
  const response = await fetch(`${app.url}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}` },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  await response.text();
}

test('no secret, no body, no caller’s words, name or number stands in the log, at any level', async () => {
  let logged = '';
  const log = createLog({
    level: 'trace',
    pretty: false,
    to: {
      write: (line) => {
        logged += line;
      },
    },
  });
  await using model = await startModelStandIn();
  await using app = await startApp({
    model: createOpenAiModel({ apiKey: modelKey, model: 'stand-in', baseUrl: model.baseUrl, log }),
    log,
  });
  const caller = new Caller(app, '+12125550187');
  const call = {
    id: caller.callSid,
    assistantId: 'demo-clinic',
    monitor: { controlUrl },
    customer: { number: '+12125550187' },
  };
  await post(app, '/vapi/events', { message: { type: 'status-update', status: 'in-progress', call } });

  // A booking, with details of the patient.
  model.answer(toolCalls(['check_availability', { date: nextOpenDay() }]));
  await caller.say('My left knee hurts terribly.');
  model.answer(toolCalls(['reserve_slot', { slotId: 'slot_1' }]));
  await caller.say('The first one.');
  const details = { patientName: 'Quentin Zebrowski', email: 'quentin@example.org', reason: 'knee' };
  model.answer(toolCalls(['send_sms_reminder', { phone: '+12125550188', appointmentDetails: details }]));
  await caller.say('Yes, I am Quentin Zebrowski.');
  await post(app, '/vapi/events', {
    message: {
      type: 'tool-calls',
      call,
      toolCallList: [{ id: 'a', name: 'find_appointments', arguments: { patientName: 'Zebrowski' } }],
    },
  });

  // Whatever goes wrong: at the model, at the door, in the ledger.
  model.answer({ status: 500 });
  await caller.say('Does my insurance Goldstern cover it?');
  model.answer({ pieces: [words('Well'), 'data: {"error":{"message":"context: Goldstern"}}\n\n'] });
  await caller.say('Hello? Goldstern!');
  await post(app, '/vapi/events', { message: { type: 'hang', call } }, wrongSecret);
  await post(app, '/vapi/chat/completions', { messages: 'Goldstern', call });
  await post(app, '/vapi/events', '{"message": "Goldstern');
  await post(
    app,
    '/tools/booking-handler',
    {
      message: {
        type: 'tool-calls',
        call,
        toolCallList: [{ id: 'a', name: 'reserve_slot', arguments: 'Goldstern' }],
      },
    },
    demoKey,
  );
  await app.sql.end({ timeout: 1 });
  await caller.say('Are you there, Goldstern?');
  await post(app, '/vapi/events', {
    message: {
      type: 'end-of-call-report',
      call,
      transcript: 'User: Goldstern',
      endedReason: 'customer-ended-call',
    },
  });

  expect(logged).toContain(caller.callSid);
  expect(logged).toContain('the model failed');
  expect(logged).toContain('a turn could not be answered');
  for (const secret of [vapiSecret, demoKey, wrongSecret, modelKey, controlUrl, 'capability-1'])
    expect(logged).not.toContain(secret);
  for (const personal of ['5550187', '5550188', 'Zebrowski', 'quentin', 'knee', 'Goldstern', 'insurance'])
    expect(logged).not.toContain(personal);
});

function nextOpenDay(): string {
  const day = new Date(Date.now() + 5 * 86_400_000);
  while (day.getUTCDay() % 6 === 0) day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}
