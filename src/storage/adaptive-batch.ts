/**
 * Joins questions of one kind into one round trip while another is on its way. A lone question goes at once and pays
 * nothing for the others; the busier it gets, the more share a trip.
 *
 * @param options.ask answers each question in its place; when it throws, every question of the batch fails with it
 * @param options.sizeMax questions in one trip: bounds how long the first waits for the last one's answer
 * @param options.tripsMax trips on their way at once
 * @param options.gatherMs how long a question waits for others to travel with, where nobody waits for its answer
 */
export function adaptiveBatch<Question, Answer>({
  ask,
  sizeMax,
  tripsMax,
  gatherMs,
}: {
  ask: (questions: Question[]) => Promise<Answer[]>;
  sizeMax: number;
  tripsMax: number;
  gatherMs?: number;
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
    if (!due && trips < tripsMax) {
      due = true;
      // What the same tick asks, travels together.
      if (gatherMs === undefined) process.nextTick(go);
      else setTimeout(go, gatherMs);
    }
    return promise;
  };
}

interface Waiting<Question, Answer> {
  question: Question;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}
