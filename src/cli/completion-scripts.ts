export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** What may follow one prefix of a command line. */
export interface Words {
  /** `['token', 'dataplane']`; [] is the line's beginning. */
  readonly path: readonly string[]
  readonly words: readonly string[]
  readonly flags: readonly string[]
}

/** A script without calls back to the program: completion must never wait. Words are names of ours: no quoting is needed. */
export function formatCompletion(shell: Shell, table: readonly Words[]): string {
  switch (shell) {
    case 'bash':
      return bash(table)
    case 'zsh':
      // zsh runs bash's completions.
      return `#compdef skerry\nautoload -U +X bashcompinit && bashcompinit\n${bash(table)}`
    case 'fish':
      return fish(table)
  }
}

function bash(table: readonly Words[]): string {
  const cases = table.map(({ path, words, flags }) => `    '${path.join(' ')}') words='${words.join(' ')}'; flags='${flags.join(' ')}' ;;`)
  const prefixes = table.map(({ path }) => path.join(' ')).filter(prefix => prefix !== '')
  return `# skerry completion for bash
_skerry() {
  local current="\${COMP_WORDS[COMP_CWORD]}" prefix='' word words flags
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case " ${prefixes.map(prefix => prefix.replaceAll(' ', '/')).join(' ')} " in
      *" \${prefix:+\${prefix// //}/}$word "*) prefix="\${prefix:+$prefix }$word" ;;
    esac
  done
  case "$prefix" in
${cases.join('\n')}
  esac
  if [[ "$current" == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$current")); else COMPREPLY=($(compgen -W "$words" -- "$current")); fi
}
complete -o default -F _skerry skerry
`
}

function fish(table: readonly Words[]): string {
  const lines = ['# skerry completion for fish', 'complete -c skerry -f']
  for (const { path, words, flags } of table) {
    const children = table
      .filter(other => other.path.length === path.length + 1 && path.every((word, i) => other.path[i] === word))
      .map(other => other.path.at(-1)!)
    const seen = path.map(word => `__fish_seen_subcommand_from ${word}`)
    const here =
      [...seen, ...(children.length > 0 ? [`not __fish_seen_subcommand_from ${children.join(' ')}`] : [])].join('; and ') || 'true'
    if (words.length > 0) lines.push(`complete -c skerry -n '${here}' -a '${words.join(' ')}'`)
    for (const flag of flags)
      lines.push(`complete -c skerry -n '${here}' ${flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`}`)
  }
  return `${lines.join('\n')}\n`
}
