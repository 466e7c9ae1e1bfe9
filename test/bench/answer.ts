/** A constant of the size and shape of what a verification answers: for servers that decide nothing. */
export const answer = {
  matchId: '3f0f2f6a-4d0e-4a0a-9a51-1f6b7c1d2e01',
  decision: 'accept',
  band: 'strong',
  reasons: ['above-accept'],
  consentId: '0d5c2a9e-6b1f-4c7e-8f57-2f6f0f5f9a11',
  alternatives: ['id-card', 'social-security-card'],
};
