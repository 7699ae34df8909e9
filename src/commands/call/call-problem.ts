/** Something the person who typed the command can do something about; its message says what. */
export class CallProblem extends Error {
  override name = 'CallProblem';
}
