/** A name with its labels the other way round, so that names under one stand together: `com.example.www`. */
export function reversedName(name: string): string {
  let reversed = ''
  let end = name.length
  // Half the cost of taking it to pieces and joining them.
  for (let dot = dotBefore(name, end); dot >= 0; dot = dotBefore(name, end)) {
    reversed += `${name.slice(dot + 1, end)}.`
    end = dot
  }
  return reversed + name.slice(0, end)
}

const dotBefore = (name: string, end: number): number => (end === 0 ? -1 : name.lastIndexOf('.', end - 1))
