/** https://www.iana.org/assignments/dns-parameters */
export const recordTypes = { A: 1, CNAME: 5, SOA: 6, HINFO: 13, AAAA: 28, SRV: 33, OPT: 41, ANY: 255 } as const
export const classes = { IN: 1, ANY: 255 } as const
export const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const
export type Rcode = (typeof rcodes)[keyof typeof rcodes]
