import type { HealthAnswer } from '../health-routes.ts';

type Figure = HealthAnswer['figures'][number];

/** Everything this process counts, for the installation's own people: how things are divided as bars, the rest in a table. */
export function FigureCards({ figures }: { figures: Figure[] }) {
  const divided = figures.filter(isDivided);
  return (
    <>
      {divided.map((figure) => (
        <Shares key={figure.name} figure={figure} />
      ))}
      <section class="card wide">
        <h2>All figures of this process</h2>
        <details>
          <summary>Show them</summary>
          <FigureTable figures={figures} />
        </details>
      </section>
    </>
  );
}

/** A counter by one label, such as where something was found: hit rates, outcomes. */
function isDivided(figure: Figure): boolean {
  return (
    figure.name.endsWith('_total') &&
    figure.values.some((one) => one.value > 0) &&
    figure.values.every((one) => Object.keys(one.labels).length === 1)
  );
}

function Shares({ figure }: { figure: Figure }) {
  const all = figure.values.reduce((sum, one) => sum + one.value, 0);
  return (
    <section class="card">
      <h2>{figure.help}</h2>
      <p class="hint">{all} since this process began.</p>
      <dl class="spans">
        {figure.values.map((one) => (
          <div key={JSON.stringify(one.labels)}>
            <dt>{Object.values(one.labels).join(', ')}</dt>
            <dd>
              <span class="bar" style={{ width: `${(one.value / all) * 100}%` }} />
              <span class="ms">{Math.round((one.value / all) * 100)} %</span>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function FigureTable({ figures }: { figures: Figure[] }) {
  return (
    <table class="figures">
      <thead>
        <tr>
          <th scope="col">What</th>
          <th scope="col">Which</th>
          <th scope="col" class="number">
            Now
          </th>
        </tr>
      </thead>
      <tbody>
        {figures.flatMap((figure) =>
          figure.values.map((one) => (
            <tr key={figure.name + JSON.stringify(one.labels)}>
              <td title={figure.name}>{figure.help}</td>
              <td>{Object.values(one.labels).join(', ')}</td>
              <td class="number">{Math.round(one.value * 1000) / 1000}</td>
            </tr>
          )),
        )}
      </tbody>
    </table>
  );
}
