/** Small shared things that may be lost at any moment: nothing in here is what correctness rests on. */
export interface Store {
  /** False while the store is left out; then everything answers "unknown" at once. */
  readonly available: boolean;
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlMs: number): Promise<void>;
  hashGet(key: string, field: string): Promise<string | undefined>;
  /** The lifetime is the whole hash's and starts anew with each write. */
  hashSet(key: string, field: string, value: string, ttlMs: number): Promise<void>;
  /** One field, or the whole hash. */
  hashDelete(key: string, field?: string): Promise<void>;
  /**
   * Never waits: whoever finds it busy decides what that means.
   *
   * @param owner what others who find it busy are told
   */
  lock(key: string, owner: string, ttlMs: number): Promise<Lock>;
  /**
   * Tells every process of this installation, this one too, whoever has subscribed. Never throws and never waits for
   * a listener; while the store is left out the message is lost, and a subscriber hears of that by `onLost`.
   */
  publish(channel: string, message: string): Promise<void>;
  /** Hears what is published from now on, in the order of each publisher. */
  subscribe(channel: string, listener: Listener): Subscription;
}

export interface Listener {
  onMessage(message: string): void;
  /**
   * Messages may have been missed: what was kept fresh by them is to be thrown away. Called when the connection breaks,
   * and whenever listening begins, the first time too; in between nothing is to be kept (see `Subscription.live`).
   * The memory store never calls it.
   */
  onLost(): void;
}

/** Ends when disposed; afterwards nothing is called. */
export interface Subscription extends Disposable {
  /** False while messages may be missed. */
  readonly live: boolean;
}

export type Lock =
  | {
      state: 'held';
      /** Gives it up, if it is still ours. */
      release(): Promise<void>;
      /** Keeps it for as long as is said here, and says so to others; nobody releases it. */
      keep(owner: string, ttlMs: number): Promise<void>;
    }
  | { state: 'busy'; owner: string }
  /** Nobody can say; go on without. */
  | { state: 'unavailable' };
