import { expect, test } from 'vitest';
import { asTheyAre } from '#conversation/speech.ts';
import { createLog } from '#telemetry/log.ts';
import { createCallControl } from '#vapi/call-control.ts';
import { startCallControl } from '../../stand-ins/call-control.ts';

const log = createLog({ level: 'silent', pretty: false });

test('says, adds, transfers and ends in the shapes Vapi reads, over connections that are kept', async () => {
  await using vapi = await startCallControl();
  await using control = createCallControl({ hosts: ['127.0.0.1'], log });
  const line = control.at(vapi.controlUrl);
  await line?.say(asTheyAre('One moment.', 'template'));
  await line?.addMessage('The calendar is slow.');
  await line?.addMessage('They are back.', { answer: true });
  await line?.transfer('+12125550100', asTheyAre('I will connect you.', 'template'));
  await line?.transfer('+12125550100');
  await line?.endCall();
  expect(vapi.received).toEqual([
    { type: 'say', content: 'One moment.', endCallAfterSpoken: false },
    {
      type: 'add-message',
      message: { role: 'system', content: 'The calendar is slow.' },
      triggerResponseEnabled: false,
    },
    {
      type: 'add-message',
      message: { role: 'system', content: 'They are back.' },
      triggerResponseEnabled: true,
    },
    {
      type: 'transfer',
      destination: { type: 'number', number: '+12125550100' },
      content: 'I will connect you.',
    },
    { type: 'transfer', destination: { type: 'number', number: '+12125550100' } },
    { type: 'end-call' },
  ]);
  expect(vapi.connections).toBeLessThanOrEqual(2);
});

test.each([
  'https://vapi.ai/a/control',
  'https://phone-call-websocket.aws-us-west-2-backend-production2.vapi.ai/a/control',
])('%s is Vapi’s', async (url) => {
  await using control = createCallControl({ hosts: ['vapi.ai'], log });
  expect(control.at(url)).toBeDefined();
});

test.each([
  undefined,
  '',
  'control',
  'http://x.vapi.ai/a/control',
  'https://vapi.ai.example.com/a/control',
  'https://notvapi.ai/a/control',
  'https://user:secret@x.vapi.ai/a/control',
  'https://127.0.0.1/a/control',
  'http://169.254.169.254/latest/meta-data',
  'file:///etc/passwd',
])('%s is not: nothing is sent there', async (url) => {
  await using control = createCallControl({ hosts: ['vapi.ai'], log });
  expect(control.at(url)).toBeUndefined();
});

test('a control that refuses is a fault that names its status, not its url', async () => {
  await using vapi = await startCallControl();
  await using control = createCallControl({ hosts: ['127.0.0.1'], log });
  vapi.status = 403;
  await expect(control.at(vapi.controlUrl)?.endCall()).rejects.toThrow(/^call control answered 403$/);
});
