import { useState } from 'preact/hooks';
import { defaultLanguage } from '#organization/organization.ts';
import type { TemplateAnswer, TemplatesAnswer } from '../prompts-routes.ts';
import { useAsked } from './asking.ts';
import type { PageProps } from './page.ts';
import { Chip, Empty, PageHead, ProblemNote, Waiting } from './pieces.tsx';
import { TemplateEditor } from './template-editor.tsx';

/** Every template on one side, the chosen one in an editor on the other. */
export function PromptsPage(props: PageProps) {
  const { api, organization, rest } = props;
  const list = useAsked<TemplatesAnswer>(api, '/prompts');
  const name = rest === '' ? `speech/${defaultLanguage(organization)}/opening` : rest;
  const path = `/prompts/${encodeURIComponent(name)}`;
  const template = useAsked<TemplateAnswer>(api, path);
  const saved = () => {
    template.reload();
    list.reload();
  };
  return (
    <>
      <PageHead title="Prompts" />
      <ProblemNote problem={list.problem ?? template.problem} />
      <div class="prompts">
        {list.data === undefined ? (
          <Waiting />
        ) : (
          <TemplateList answer={list.data} chosen={name} languages={organization.languages} />
        )}
        {template.data === undefined ? (
          template.problem === undefined ? (
            <Waiting />
          ) : (
            <span />
          )
        ) : (
          <TemplateEditor
            key={`${name} ${template.data.version}`}
            page={props}
            template={template.data}
            onSaved={saved}
          />
        )}
      </div>
    </>
  );
}

function TemplateList({
  answer,
  chosen,
  languages,
}: {
  answer: TemplatesAnswer;
  chosen: string;
  languages: string[];
}) {
  const [wanted, setWanted] = useState('');
  const shown = answer.templates.filter((one) => one.name.includes(wanted.trim().toLowerCase()));
  return (
    <nav class="template-list" aria-label="Templates">
      <input
        type="search"
        aria-label="Find a template"
        placeholder="Find a template"
        value={wanted}
        onInput={(event) => setWanted(event.currentTarget.value)}
      />
      {shown.length === 0 ? <Empty>No template is called so.</Empty> : null}
      <div class="template-groups">
        {groupsOf(shown, languages).map(([title, templates]) => (
          <div key={title}>
            <h2>{title}</h2>
            <ul>
              {templates.map((one) => (
                <li key={one.name}>
                  <a
                    href={`#/prompts/${encodeURIComponent(one.name)}`}
                    aria-current={one.name === chosen ? 'true' : undefined}
                  >
                    {one.name.split('/').at(-1)}
                    {one.problems > 0 ? (
                      <Chip tone="bad">not fit</Chip>
                    ) : one.changed ? (
                      <Chip tone="good">own</Chip>
                    ) : null}
                  </a>
                </li>
              ))}
            </ul>
          </div>
        ))}
      </div>
    </nav>
  );
}

type Listed = TemplatesAnswer['templates'][number];

/** By what they are for: the organization's own languages first, in its order. */
function groupsOf(templates: Listed[], languages: string[]): [string, Listed[]][] {
  const spoken = new Intl.DisplayNames(['en'], { type: 'language' });
  const titleOf = ({ kind, language }: Listed) => {
    if (language === null) return 'What the model is told';
    return `${kind === 'sms' ? 'Text messages' : 'What is said'} in ${spoken.of(language) ?? language}`;
  };
  const place = ({ kind, language }: Listed) => {
    if (language === null) return languages.length;
    const at = languages.indexOf(language);
    return (at < 0 ? languages.length + 1 : at) + (kind === 'sms' ? 0.5 : 0);
  };
  const sorted = templates.toSorted((one, other) => place(one) - place(other));
  return [...Map.groupBy(sorted, titleOf)];
}
