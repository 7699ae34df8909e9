/**
 * Joins questions of one kind into one round trip while another is on its way. A lone question goes at once and pays
 * nothing for the others; the busier it gets, the more share a trip.
 *
 * @param options.ask answers each question in its place; when it throws, every question of the batch fails with it
 * @param options.sizeMax questions in one trip: bounds how long the first waits for the last one's answer
 * @param options.tripsMax trips on their way at once
 */
export function adaptiveBatch<Question, Answer>({
  ask,
  sizeMax,
  tripsMax,
}: {
  ask: (questions: Question[]) => Promise<Answer[]>;
  sizeMax: number;
  tripsMax: number;
}): (question: Question) => Promise<Answer> {
  let waiting: Waiting<Question, Answer>[] = [];
  let trips = 0;
  let due = false;

  async function trip(batch: Waiting<Question, Answer>[]): Promise<void> {
    trips += 1;
    try {
      const answers = await ask(batch.map(({ question }) => question));
      batch.forEach(({ resolve, reject }, index) => {
        const answer = answers[index];
        if (answer === undefined) reject(new Error('a batch was answered in part'));
        else resolve(answer);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      trips -= 1;
      go();
    }
  }

  function go(): void {
    due = false;
    while (waiting.length > 0 && trips < tripsMax) {
      const batch = waiting.slice(0, sizeMax);
      waiting = waiting.slice(sizeMax);
      void trip(batch);
    }
  }

  return (question) => {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    waiting.push({ question, resolve, reject });
    // What the same tick asks, travels together.
    if (!due && trips < tripsMax) {
      due = true;
      process.nextTick(go);
    }
    return promise;
  };
}

interface Waiting<Question, Answer> {
  question: Question;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}
