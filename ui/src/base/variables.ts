// Variables of a dashboard: what is chosen for each.

export interface ChosenVariable {
  values: readonly string[] // chosen; with `all` those that are known
  all: boolean
}
export type Variables = ReadonlyMap<string, ChosenVariable>
