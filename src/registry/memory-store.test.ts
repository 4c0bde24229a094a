import { MemoryStore, memoryDisk } from './memory-store.ts'
import { storeContract } from './store.contract.ts'

storeContract('memory', async () => {
  const disk = memoryDisk(100)
  let store = new MemoryStore(disk)
  return {
    store,
    async reopen() {
      await store.close()
      store = new MemoryStore(disk)
      return store
    },
    dispose: () => store.close(),
  }
})
