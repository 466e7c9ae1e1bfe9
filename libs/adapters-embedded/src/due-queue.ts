/** A binary heap: whatever is due first comes first. */
export class DueQueue<Item extends { readonly atMs: number }> {
  private heap: Item[] = [];

  get size(): number {
    return this.heap.length;
  }

  get first(): Item | undefined {
    return this.heap[0];
  }

  push(item: Item): void {
    const { heap } = this;
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.dueAt(parent) <= item.atMs) break;
      heap[at] = heap[parent] as Item;
      at = parent;
    }
    heap[at] = item;
  }

  shift(): Item | undefined {
    const { heap } = this;
    const [first] = heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return first;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (this.dueAt(child + 1) < this.dueAt(child)) child++;
      if (this.dueAt(child) >= last.atMs) break;
      heap[at] = heap[child] as Item;
      at = child;
    }
    heap[at] = last;
    return first;
  }

  /** Forgets all others. */
  keep(items: Iterable<Item>): void {
    this.heap = [...items].sort((a, b) => a.atMs - b.atMs);
  }

  private dueAt(place: number): number {
    return this.heap[place]?.atMs ?? Number.POSITIVE_INFINITY;
  }
}
