import { ActorId, operator, TenantId } from '#lib/core';
import { RegisterTenant, registerTenant } from './register-tenant.js';
import { TenantRegistered, type TenantTerms } from './tenant.stream.js';

const tenant = TenantId.parse('here');
const controller = { name: 'Here', address: '1 Road', contact: 'privacy@here.example', dpoContact: 'dpo@here.example' };
const terms: TenantTerms = { name: 'Here', controller, pack: 'CN-patient' };
const register = (registered: TenantTerms | undefined, to = tenant) =>
  registerTenant(registered, new RegisterTenant({ tenant: to, actor: ActorId.parse('admin') }, terms));

describe('register tenant', () => {
  it('is recorded once', () => {
    expect(register(undefined)).toEqual([TenantRegistered({ tenant, terms })]);
    expect(register({ ...terms, controller: { ...controller } })).toEqual([]);
  });

  it('is refused on other terms', () => {
    const other = { ...terms, controller: { ...controller, dpoContact: 'someone@here.example' } };
    expect(() => register(other)).toThrow(expect.objectContaining({ code: 'access.tenant-exists' }));
  });

  it('is refused to a hospital with the name of the operator', () => {
    expect(() => register(undefined, operator)).toThrow(expect.objectContaining({ code: 'access.tenant-reserved' }));
  });
});
