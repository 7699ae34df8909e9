/** How long words take to speak, where the platform does not tell when it is done. */
const charactersPerSecond = 14;
const speechMsMin = 1_000;
const speechMsMax = 30_000;

/** Something to be done once our words were spoken; a caller who speaks before that calls it off. */
export class AfterSpeech {
  #timer: NodeJS.Timeout | undefined;
  #run: (() => void) | undefined;
  /** The voice has started since our latest words began: when it stops, it has spoken them. */
  #voiced = false;

  /** New words begin. */
  begin(): void {
    this.drop();
    this.#voiced = false;
  }

  /** The platform says that its voice starts, or stops. */
  voice(isOn: boolean): void {
    if (isOn) this.#voiced = true;
    else if (this.#voiced) this.#run?.();
  }

  /** @param words what is being spoken: how long that takes is a guess for platforms that do not say */
  do(words: string, run: () => void): void {
    this.#run = () => {
      this.drop();
      run();
    };
    const speechMs = speechMsMin + (words.length / charactersPerSecond) * 1_000;
    this.#timer = setTimeout(this.#run, Math.min(speechMsMax, speechMs)).unref();
  }

  drop(): void {
    clearTimeout(this.#timer);
    this.#run = undefined;
  }
}
