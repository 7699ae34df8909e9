import { render } from 'preact';
import { ConsoleApp } from './app.tsx';
// A style sheet of a file that is loaded later would be nobody's to fetch.
import 'uplot/dist/uPlot.min.css';
import './base.css';
import './controls.css';
import './pieces.css';
import './line.css';
import './calls.css';
import './slots.css';
import './health.css';
import './prompts.css';

const page = document.getElementById('page');
if (page !== null) {
  page.textContent = '';
  render(<ConsoleApp />, page);
}
