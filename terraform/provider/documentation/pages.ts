import type { ProviderFunction } from '../../sdk/provider/provider.ts'
import type { Attributes } from '../../sdk/provider/schema.ts'
import { skerryProvider } from '../skerry-provider.ts'
import { examples } from './examples.ts'
import { nameOf, schemaText } from './schema-text.ts'

interface Documented {
  readonly description: string
  readonly attributes: Attributes
}

/** The provider's pages as the registry shows them, by path below `docs/`. https://developer.hashicorp.com/terraform/registry/providers/docs */
export function pages(): Readonly<Record<string, string>> {
  const provider = skerryProvider({})
  const texts = examples()
  const shown = (path: string) => texts[path]
  const page = (kind: string, folder: string, file: string, type: string, it: Documented) => {
    const example = shown(`${folder}/${type}/${file}`)
    const imported = shown(`${folder}/${type}/import.sh`)
    return [
      `${folder}/${type.replace(/^skerry_/, '')}.md`,
      [
        frontMatter(`${type} (${kind})`, it.description),
        `# ${type} (${kind})\n\n${it.description}\n`,
        ...(example === undefined ? [] : [`## Example\n\n${fenced('terraform', example)}`]),
        `## Schema\n\n${schemaText(it.attributes)}`,
        ...(imported === undefined ? [] : [`## Import\n\n${fenced('shell', imported)}`]),
      ].join('\n'),
    ] as const
  }
  return Object.fromEntries([
    [
      'index.md',
      [
        frontMatter('Provider: Skerry', provider.description),
        `# Skerry Provider\n\n${provider.description}\n`,
        `## Example\n\n${fenced('terraform', shown('provider/provider.tf') ?? '')}`,
        `## Schema\n\n${schemaText(provider.attributes)}`,
      ].join('\n'),
    ],
    ...Object.entries(provider.resources).map(([type, it]) => page('Resource', 'resources', 'resource.tf', type, it)),
    ...Object.entries(provider.dataSources).map(([type, it]) => page('Data Source', 'data-sources', 'data-source.tf', type, it)),
    ...Object.entries(provider.ephemeralResources).map(([type, it]) =>
      page('Ephemeral Resource', 'ephemeral-resources', 'ephemeral-resource.tf', type, it),
    ),
    ...Object.entries(provider.functions).map(([name, it]) => functionPage(name, it, shown(`functions/${name}/function.tf`))),
  ])
}

function functionPage(name: string, { summary, description, parameters, returns }: ProviderFunction, example: string | undefined) {
  const signature = `${name}(${parameters.map(it => `${it.name} ${nameOf(it.type)}`).join(', ')}) ${nameOf(returns)}`
  const list = parameters.map((it, index) => `${index + 1}. \`${it.name}\` (${nameOf(it.type)}) ${it.description}\n`).join('')
  return [
    `functions/${name}.md`,
    [
      frontMatter(`${name} (Function)`, summary),
      `# function: ${name}\n\n${description}\n`,
      ...(example === undefined ? [] : [`## Example\n\n${fenced('terraform', example)}`]),
      `## Signature\n\n${fenced('text', `${signature}\n`)}`,
      `## Arguments\n\n${list}`,
    ].join('\n'),
  ] as const
}

function frontMatter(title: string, description: string): string {
  return `---\n# Made by \`npm run terraform:docs\` from the provider's schema: edit that instead.\npage_title: ${JSON.stringify(title)}\ndescription: |-\n${description
    .split('\n')
    .map(text => (text === '' ? '' : `  ${text}`))
    .join('\n')}\n---\n`
}

function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\`\`\`\n`
}
