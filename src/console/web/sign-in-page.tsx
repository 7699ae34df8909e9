import type { TargetedEvent } from 'preact';
import { useState } from 'preact/hooks';
import type { SessionAnswer } from '../sign-in.ts';
import { signInWith } from './api.ts';
import { useDoing } from './asking.ts';
import { ProblemNote } from './pieces.tsx';

export function SignInPage({
  problem,
  onSignedIn,
}: {
  problem: string | undefined;
  onSignedIn: (session: SessionAnswer) => void;
}) {
  const [secret, setSecret] = useState('');
  const doing = useDoing();
  const submit = (event: TargetedEvent<HTMLFormElement>) => {
    event.preventDefault();
    void doing.run(async () => onSignedIn(await signInWith({ secret })));
  };
  return (
    <main class="sign-in">
      <div class="brand">Holdline</div>
      <h1>Sign in</h1>
      <form onSubmit={submit}>
        <label for="secret">Your organization’s key, or the installation’s secret</label>
        <input
          id="secret"
          type="password"
          autocomplete="current-password"
          required
          value={secret}
          onInput={(event) => setSecret(event.currentTarget.value)}
        />
        <ProblemNote problem={doing.problem ?? problem} />
        <button type="submit" class="primary" disabled={doing.busy}>
          Sign in
        </button>
      </form>
      <p class="hint">
        On the machine it runs on, Holdline prints a link in its terminal that signs in once. The
        installation’s secret is in <code>.data/vapi-secret</code>, or is your <code>VAPI_SECRET</code>.
      </p>
    </main>
  );
}
