import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readBinding } from './bindings.ts'

/** As a generator of bindings writes it. */
const binding = `
export interface QueueRule {
}

export function queueRuleToHclTerraform(struct?: QueueRule | cdktn.IResolvable): any {
  const attrs = {
    port: {
      value: cdktn.numberToHclTerraform(struct!.port),
      isBlock: false,
      type: "simple",
      storageClassType: "number",
    },
  };
}

export class QueueRuleOutputReference extends cdktn.ComplexObject {
  // port - computed: false, optional: false, required: true
  private _port?: number; 
  public get port() {
    return this.getNumberAttribute('port');
  }
}

export class Queue extends cdktn.TerraformResource {
  // arn - computed: true, optional: false, required: false
  public get arn() {
    return this.getStringAttribute('arn');
  }

  // name - computed: true, optional: true, required: false
  public get name() {
    return this.getStringAttribute('name');
  }

  // value_wo - computed: false, optional: true, required: false
  public get valueWo() {
    return this.getStringAttribute('value_wo');
  }

  // has_value_wo - computed: true, optional: false, required: false
  public get hasValueWo() {
    return this.getBooleanAttribute('has_value_wo');
  }

  // rule - computed: false, optional: false, required: true
  private _rule = new QueueRuleList(this, "rule", true);

  protected synthesizeHclAttributes(): { [name: string]: any } {
    const attrs = {
      name: {
        value: cdktn.stringToHclTerraform(this._name),
        isBlock: false,
        type: "simple",
        storageClassType: "string",
      },
      value_wo: {
        value: cdktn.stringToHclTerraform(this._valueWo),
        isBlock: false,
        type: "simple",
        storageClassType: "string",
      },
      rule: {
        value: cdktn.listMapperHcl(queueRuleToHclTerraform, true)(this._rule.internalValue),
        isBlock: true,
        type: "set",
        storageClassType: "QueueRuleList",
      },
    };
  }
}
`

test('a binding says what is given, what is computed, what is only written, and what blocks hold', () => {
  assert.deepEqual(readBinding(binding).block, {
    attributes: {
      arn: { type: 'string', computed: true },
      has_value_wo: { type: 'bool', computed: true },
      name: { type: 'string', optional: true, computed: true },
      value_wo: { type: 'string', optional: true, sensitive: true, write_only: true },
    },
    block_types: {
      rule: { nesting_mode: 'set', block: { attributes: { port: { type: 'number', required: true } } }, min_items: 1 },
    },
  })
})

test('a provider of the newer framework has nested attributes where bindings speak of blocks', () => {
  const { attributes, block_types } = readBinding(binding, { blocksAreAttributes: true }).block

  assert.equal(block_types, undefined)
  assert.deepEqual(attributes?.rule, {
    nested_type: { nesting_mode: 'set', attributes: { port: { type: 'number', required: true } } },
    required: true,
  })
})

test('what is no binding is refused', () => {
  assert.throws(() => readBinding('export const x = 1'), /no resource, data source or provider/)
})
