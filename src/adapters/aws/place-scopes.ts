import type { Scope, ScopeListing } from '../adapter.ts'
import { type AwsAccess, localityOf } from './access.ts'
import type { Place } from './limits.ts'

/** The scopes of a source that lists an account's region as one: `aws/123456789012/eu-central-1/ec2`. Throws as `AwsAccess.places`. */
export async function placeScopes(access: AwsAccess, service: string, signal: AbortSignal): Promise<ScopeListing> {
  const { places, missing } = await access.places(signal)
  const scopes = places.map(
    (place): Scope => ({ id: `aws/${place.account}/${place.region}/${service}`, identity: place.account, locality: localityOf(place) }),
  )
  return { complete: missing.length === 0, missing, scopes }
}

/** The account and region of a scope that `placeScopes` made. */
export function placeOf({ locality }: Scope): Place {
  return { account: locality.account ?? '', region: locality.region ?? '' }
}
