// Keeps unsent answers in this browser: IndexedDB, or memory alone where that is not to be had.

const NAME = "popgan-study";
const STORE = "unsent";

function promised(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function opened() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "order", autoIncrement: true });
  return promised(request);
}

/** Unsent answers in the order in which they were given. */
export class Storage {
  /** Whether answers outlive this page. */
  lasting = true;
  #database = null;

  static async open() {
    const storage = new Storage();
    try {
      storage.#database = await opened();
      // Another tab may have to upgrade or delete the database.
      storage.#database.onversionchange = () => storage.#database.close();
    } catch {
      storage.lasting = false;
    }
    return storage;
  }

  async #transaction(mode, work) {
    if (!this.lasting) return undefined;
    try {
      const transaction = this.#database.transaction(STORE, mode);
      const done = new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
      });
      const result = await work(transaction.objectStore(STORE));
      await done;
      return result;
    } catch {
      this.lasting = false; // full, or forbidden by the browser: memory must do
      return undefined;
    }
  }

  /** Everything kept: [{id, ...}] in order. */
  async all() {
    return (await this.#transaction("readonly", (store) => promised(store.getAll()))) ?? [];
  }

  async add(item) {
    await this.#transaction("readwrite", (store) => promised(store.add(item)));
  }

  /** Forget the answers with these uuids. */
  async remove(uuids) {
    const gone = new Set(uuids);
    await this.#transaction("readwrite", (store) => new Promise((resolve, reject) => {
      const request = store.openCursor();
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const cursor = request.result;
        if (!cursor) return resolve();
        if (gone.has(cursor.value.id)) cursor.delete();
        return cursor.continue();
      };
    }));
  }
}
