/** Small shared things that may be lost at any moment: nothing in here is what correctness rests on. */
export interface Store {
  /** False while the store is left out; then everything answers "unknown" at once. */
  readonly available: boolean;
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlMs: number): Promise<void>;
  /** Values that all processes share; nothing in an installation of one process, which keeps its own. */
  readonly cache: SharedCache | undefined;
  /**
   * Never waits: whoever finds it busy decides what that means.
   *
   * @param owner what others who find it busy are told
   */
  lock(key: string, owner: string, ttlMs: number): Promise<Lock>;
  /**
   * Tells every process of this installation, this one too, whoever has subscribed. Never throws and never waits for
   * a listener. While this process leaves the store out, the message is lost, and false the answer: subscribers whose
   * connection stands do not hear of it.
   */
  publish(channel: string, message: string): Promise<boolean>;
  /** Hears what is published from now on, in the order of each publisher. */
  subscribe(channel: string, listener: ChannelListener): Subscription;
}

/**
 * Fields under keys, read by all processes and filled by whichever finds one missing. Whoever drops a field thereby
 * refuses every fill that was under way: such a one may have read before the change. Never throws.
 */
export interface SharedCache {
  /** A field's value; `missing` when there is none, nothing when nobody can say. */
  get(key: string, field: string): Promise<string | 'missing' | undefined>;
  /**
   * What each of these fields may be filled with from now on, one guard each. To be taken before the truth is read.
   *
   * @returns nothing when nobody can say
   */
  guards(key: string, fields: string[], ttlMs: number): Promise<string[] | undefined>;
  /** Fills fields whose guard still holds. The lifetime is the whole key's and starts anew with each fill. */
  fill(key: string, entries: CacheEntry[], ttlMs: number): Promise<void>;
  /**
   * Drops one field, or all of a key.
   *
   * @returns false when it may not have been done
   */
  drop(key: string, field?: string): Promise<boolean>;
}

export interface CacheEntry {
  field: string;
  value: string;
  guard: string;
}

export interface ChannelListener {
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
