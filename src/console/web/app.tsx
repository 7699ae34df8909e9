import type { ComponentType } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { SessionAnswer } from '../sign-in.ts';
import {
  apiOf,
  currentSession,
  type OrganizationAnswer,
  onSignedOut,
  problemText,
  type SignedIn,
  signInWith,
  signOut,
} from './api.ts';
import { CallPage } from './call-page.tsx';
import { CallsPage } from './calls-page.tsx';
import { HealthPage } from './health-page.tsx';
import { LinePage } from './line-page.tsx';
import type { PageProps } from './page.ts';
import { Waiting } from './pieces.tsx';
import { PromptsPage } from './prompts-page.tsx';
import { SignInPage } from './sign-in-page.tsx';
import { SlotsPage } from './slots-page.tsx';

const pages: { path: string; label: string; page: ComponentType<PageProps> }[] = [
  { path: 'line', label: 'Try the line', page: LinePage },
  { path: 'calls', label: 'Calls', page: CallsOrCall },
  { path: 'prompts', label: 'Prompts', page: PromptsPage },
  { path: 'slots', label: 'Slots', page: SlotsPage },
  { path: 'health', label: 'Health', page: HealthPage },
];

function CallsOrCall(props: PageProps) {
  return props.rest === '' ? <CallsPage {...props} /> : <CallPage key={props.rest} {...props} />;
}

export function ConsoleApp() {
  const [session, setSession] = useState<SessionAnswer>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    onSignedOut(() => setSession({ signedIn: false }));
    openSession().then(setSession, (error: unknown) => {
      setProblem(problemText(error));
      setSession({ signedIn: false });
    });
  }, []);
  if (session === undefined) return <Waiting />;
  if (!session.signedIn) return <SignInPage problem={problem} onSignedIn={setSession} />;
  return <SignedInApp session={session} onSignedOut={() => setSession({ signedIn: false })} />;
}

/** By the terminal's link, or by the cookie that is there. */
async function openSession(): Promise<SessionAnswer> {
  const code = /^#sign-in=([\w-]+)$/.exec(location.hash)?.[1];
  if (code === undefined) return currentSession();
  // Out of the address before anything else: it is no secret any more once it was used, but need not be kept.
  history.replaceState(null, '', '/#/line');
  const before = await currentSession();
  return before.signedIn ? before : signInWith({ code });
}

const organizationKept = 'holdline organization';

function SignedInApp({ session, onSignedOut: leave }: { session: SignedIn; onSignedOut: () => void }) {
  const [chosen, setChosen] = useState(() => sessionStorage.getItem(organizationKept) ?? '');
  const organization = session.organizations.find((one) => one.key === chosen) ?? session.organizations[0];
  const hash = useHash();
  const [path = '', ...rest] = hash.replace(/^#\/?/, '').split('/');
  const current = pages.find((one) => one.path === path) ?? pages[0];
  useTitle(current?.label ?? '');
  const api = useMemo(() => apiOf(organization?.key ?? ''), [organization?.key]);
  if (current === undefined || organization === undefined) {
    return <p class="empty">There is no organization yet. Make one with npm run organization.</p>;
  }
  const Page = current.page;
  return (
    <div class="frame">
      <button type="button" class="skip" onClick={skipToPage}>
        Skip to the page
      </button>
      <nav class="side" aria-label="Pages">
        <div class="brand">Holdline</div>
        <ul>
          {pages.map((one) => (
            <li key={one.path}>
              <a href={`#/${one.path}`} aria-current={one === current ? 'page' : undefined}>
                {one.label}
              </a>
            </li>
          ))}
        </ul>
        <Who
          session={session}
          organization={organization}
          onChoose={(key) => {
            sessionStorage.setItem(organizationKept, key);
            setChosen(key);
          }}
          onSignOut={() => void signOut().finally(leave)}
        />
      </nav>
      <main id="main" key={`${organization.key} ${current.path}`}>
        <Page
          api={api}
          organization={organization}
          mayEdit={session.role === 'edit'}
          rest={decodeURIComponent(rest.join('/'))}
        />
      </main>
    </div>
  );
}

/** The address names the page, so that the usual link to a part of it cannot be one. */
function skipToPage(): void {
  document.querySelector<HTMLElement>('main h1')?.focus();
}

function Who({
  session,
  organization,
  onChoose,
  onSignOut,
}: {
  session: SignedIn;
  organization: OrganizationAnswer;
  onChoose: (key: string) => void;
  onSignOut: () => void;
}) {
  return (
    <div class="who">
      {session.organizations.length > 1 ? (
        <select
          aria-label="Organization"
          value={organization.key}
          onChange={(event) => onChoose(event.currentTarget.value)}
        >
          {session.organizations.map((one) => (
            <option key={one.key} value={one.key}>
              {one.name}
            </option>
          ))}
        </select>
      ) : (
        <span class="organization">{organization.name}</span>
      )}
      <span class="who-name">
        {session.who}
        {session.role === 'see' ? ', may see' : ''}
      </span>
      <button type="button" class="quiet" onClick={onSignOut}>
        Sign out
      </button>
    </div>
  );
}

function useHash(): string {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const changed = () => {
      setHash(location.hash);
      // A page that was chosen begins at its head, for the keyboard and for the ear.
      requestAnimationFrame(() => document.querySelector<HTMLElement>('main h1')?.focus());
    };
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return hash;
}

function useTitle(label: string): void {
  useEffect(() => {
    document.title = `${label} · Holdline`;
  }, [label]);
}
