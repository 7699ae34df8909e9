import { useState } from 'preact/hooks';
import { ProblemNote } from './pieces.tsx';

/** A stretch to be kept free, by the clinic's own clock. */
export function BlockForm({
  date,
  problem,
  onBlock,
}: {
  date: string;
  problem: string | undefined;
  onBlock: (stretch: { from: string; to: string }) => void;
}) {
  const [from, setFrom] = useState(`${date}T09:00`);
  const [to, setTo] = useState(`${date}T12:00`);
  return (
    <form
      class="block-form"
      onSubmit={(event) => {
        event.preventDefault();
        onBlock({ from, to });
      }}
    >
      <label>
        From
        <input
          type="datetime-local"
          required
          value={from}
          onInput={(event) => setFrom(event.currentTarget.value)}
        />
      </label>
      <label>
        To
        <input
          type="datetime-local"
          required
          value={to}
          onInput={(event) => setTo(event.currentTarget.value)}
        />
      </label>
      <p class="hint">By the clinic’s clock. What is booked in it stays booked and is shown as a conflict.</p>
      <ProblemNote problem={problem} />
      <button type="submit" class="primary">
        Block
      </button>
    </form>
  );
}
