import { render } from 'preact';
import { App } from './app.tsx';
import './base.css';
import './pieces.css';
import './line.css';
import './calls.css';
import './slots.css';
import './health.css';
import './prompts.css';

const page = document.getElementById('page');
if (page !== null) {
  page.textContent = '';
  render(<App />, page);
}
