import type { ComponentChildren, TargetedEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { stepWords } from './format.ts';

export type Tone = 'neutral' | 'good' | 'held' | 'booked' | 'bad';

/** A word with a colour; the word says it all, for those who see no colour. */
export function Chip({ tone = 'neutral', children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`chip chip-${tone}`}>{children}</span>;
}

const stepTones: Record<string, Tone> = {
  reserve: 'held',
  confirm_sms: 'held',
  booked: 'good',
  failed: 'bad',
};

export function StepChip({ step }: { step: string }) {
  return <Chip tone={stepTones[step] ?? 'neutral'}>{stepWords[step] ?? step}</Chip>;
}

/** What became of a text message, and why not more. */
export function TextChip({ text }: { text: { status: string; reason: string | null; sendAfter: string } }) {
  const tone =
    text.status === 'delivered' || text.status === 'sent'
      ? 'good'
      : text.status === 'failed'
        ? 'bad'
        : 'neutral';
  const later = text.status === 'recorded' && Date.parse(text.sendAfter) > Date.now() + 60_000;
  return (
    <>
      <Chip tone={tone}>{later ? `goes out ${text.sendAfter.slice(0, 10)}` : text.status}</Chip>
      {text.reason === null ? null : <span class="sub">{text.reason}</span>}
    </>
  );
}

/** What went wrong, read out at once. */
export function ProblemNote({ problem }: { problem: string | undefined }) {
  return <div role="alert">{problem === undefined ? null : <p class="note note-bad">{problem}</p>}</div>;
}

export function Waiting() {
  return (
    <p class="waiting" role="status">
      Loading …
    </p>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function PageHead({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <header class="page-head">
      <h1 tabIndex={-1}>{title}</h1>
      <div class="page-tools">{children}</div>
    </header>
  );
}

/** A dialog that takes the keyboard and gives it back; Escape and the background close it. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const onCancel = (event: TargetedEvent<HTMLDialogElement>) => {
    event.preventDefault();
    onClose();
  };
  return (
    <dialog ref={element} aria-label={title} onCancel={onCancel} class="dialog">
      <div class="dialog-head">
        <h2>{title}</h2>
        <button type="button" class="quiet" onClick={onClose}>
          Close
        </button>
      </div>
      {children}
    </dialog>
  );
}

/** A few ways to see the same; one is chosen. */
export function Choice<T extends string>({
  label,
  value,
  options,
  onChange,
}: {
  label: string;
  value: T;
  options: { value: T; label: string }[];
  onChange: (value: T) => void;
}) {
  return (
    <fieldset class="choice">
      <legend class="unseen">{label}</legend>
      {options.map((option) => (
        <label key={option.value} class={option.value === value ? 'chosen' : ''}>
          <input
            type="radio"
            name={label}
            value={option.value}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          {option.label}
        </label>
      ))}
    </fieldset>
  );
}
