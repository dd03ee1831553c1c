// Sorted tables: what the URL says of the order (`sort=-calls`: most calls first), and the order itself.

export interface Sort<Key extends string = string> {
  key: Key
  descending: boolean
}

// What is none of the table's keys is the usual order.
export function readSort<Key extends string>(text: string, keys: readonly Key[], usual: Sort<Key>): Sort<Key> {
  const descending = text.startsWith('-')
  const key = keys.find((one) => one === text.slice(descending ? 1 : 0))
  return key === undefined ? usual : { key, descending }
}

// null: the usual order needs no words.
export function writeSort<Key extends string>(sort: Sort<Key>, usual: Sort<Key>): string | null {
  if (sort.key === usual.key && sort.descending === usual.descending) return null
  return (sort.descending ? '-' : '') + sort.key
}

// After a press on a column's head: the other way round, or first the direction that one looks for (numbers: the largest).
export function nextSort<Key extends string>(sort: Sort<Key>, key: Key, descendingFirst: boolean): Sort<Key> {
  return { key, descending: sort.key === key ? !sort.descending : descendingFirst }
}

// As ARIA says it of a column's head.
export function directionOf<Key extends string>(sort: Sort<Key>, key: Key): 'none' | 'ascending' | 'descending' {
  return sort.key !== key ? 'none' : sort.descending ? 'descending' : 'ascending'
}

// Rows without a value come last whatever the direction; `tie` decides between equal ones, ascending.
export function sortRows<Row>(
  rows: readonly Row[],
  value: (row: Row) => number | string | null,
  descending: boolean,
  tie: (row: Row) => string,
): Row[] {
  const sign = descending ? -1 : 1
  return rows
    .map((row) => ({ row, value: value(row) }))
    .sort((a, b) => {
      if (a.value === null || b.value === null) {
        if (a.value !== b.value) return a.value === null ? 1 : -1
      } else if (a.value !== b.value) {
        return sign * (typeof a.value === 'string' ? a.value.localeCompare(String(b.value)) : a.value - Number(b.value))
      }
      return tie(a.row).localeCompare(tie(b.row))
    })
    .map(({ row }) => row)
}
