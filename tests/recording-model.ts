import type { LanguageModel, ModelRequest } from '#model/language-model.ts';
import { createRehearsalModel } from '#model/rehearsal/rehearsal.ts';

/** The rehearsal model, with what it was asked. */
export interface RecordingModel extends LanguageModel {
  asked: ModelRequest[];
  /** The system messages, in the order of the turns. */
  prompts(): string[];
}

export function recordingModel(): RecordingModel {
  const model = createRehearsalModel();
  const asked: ModelRequest[] = [];
  return {
    name: 'recording',
    asked,
    prompts: () => asked.map(({ messages }) => String(messages[0]?.content)),
    stream(request, signal) {
      asked.push({ ...request, messages: [...request.messages] });
      return model.stream(request, signal);
    },
  };
}
