// How many questions to the API are open: a live page asks again when it has its answers, not before, or one that takes
// longer than the time between two refreshes would never be seen.
let open = 0

export const asking = {
  get any(): boolean {
    return open > 0
  },

  // Counts `answer` as long as it is open.
  async during<T>(answer: Promise<T>): Promise<T> {
    open++
    try {
      return await answer
    } finally {
      open--
    }
  },
}
