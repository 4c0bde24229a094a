import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'

/** The API server takes a token for 15 minutes; the address in it says so of one. s */
const EXPIRES_S = 60
/** So the last use of one ends well within the 15 minutes. ms */
export const EKS_TOKEN_FRESH_MS = 10 * 60_000

export interface EksTokenOptions {
  /** The cluster's name: a token for one is worth nothing at another. */
  readonly cluster: string
  readonly region: string
  readonly credentials: ConstructorParameters<typeof SignatureV4>[0]['credentials']
  readonly now: Date
}

/**
 * The bearer token of an EKS API server: the signed address of a call that tells AWS who signed it, which the server makes for us.
 * https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster
 */
export async function eksToken({ cluster, region, credentials, now }: EksTokenOptions): Promise<string> {
  const hostname = `sts.${region}.${domainOf(region)}`
  const signer = new SignatureV4({ service: 'sts', region, credentials, sha256: Sha256 })
  const signed = await signer.presign(
    {
      method: 'GET',
      protocol: 'https:',
      hostname,
      path: '/',
      query: { Action: 'GetCallerIdentity', Version: '2011-06-15' },
      headers: { host: hostname, 'x-k8s-aws-id': cluster },
    },
    // Left as a header: the server sends it again with the cluster that it is, and the signature must not fit then for another.
    { expiresIn: EXPIRES_S, signingDate: now, unhoistableHeaders: new Set(['x-k8s-aws-id']) },
  )
  const query = Object.entries(signed.query ?? {}).map(([name, value]) => `${encode(name)}=${encode(String(value))}`)
  return `k8s-aws-v1.${Buffer.from(`https://${hostname}/?${query.join('&')}`).toString('base64url')}`
}

/** https://docs.aws.amazon.com/general/latest/gr/sts.html */
function domainOf(region: string): string {
  return region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
}

/** RFC 3986, as AWS signs: `encodeURIComponent` leaves these. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, mark => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`)
}
