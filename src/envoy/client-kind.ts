/** Who reads the resources: a field that protects one may be ignored or refused by another. */
export type ClientKind = 'skerry' | 'envoy'
