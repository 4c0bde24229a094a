/** Where a cloud of Azure is asked, and for what its tokens are. https://learn.microsoft.com/azure/developer/identity/authentication-national-cloud */
export interface AzureCloud {
  /** Of the resource manager, without a slash at its end. */
  readonly endpoint: string
  /** What a token for the resource manager is asked for. */
  readonly scope: string
  readonly authorityHost: string
}

const PUBLIC = 'https://management.azure.com'
const authorities: Readonly<Record<string, string>> = {
  [PUBLIC]: 'https://login.microsoftonline.com',
  'https://management.usgovcloudapi.net': 'https://login.microsoftonline.us',
  'https://management.chinacloudapi.cn': 'https://login.chinacloudapi.cn',
}

/** An endpoint that is no cloud's own leads to the public one by another way (a private link): its tokens are the public cloud's. */
export function azureCloud(endpoint: string = PUBLIC): AzureCloud {
  const address = endpoint.replace(/\/+$/, '')
  const cloud = Object.hasOwn(authorities, address) ? address : PUBLIC
  return { endpoint: address, scope: `${cloud}/.default`, authorityHost: authorities[cloud]! }
}
