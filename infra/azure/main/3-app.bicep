
// ---- keys

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: take('${name}-${suffix}', 24)
  location: location
  properties: {
    tenantId: subscription().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    // Without the subject key no caller of what is stored is found again.
    enableSoftDelete: true
    enablePurgeProtection: true
  }
}

resource subjectKeySecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'subject-key'
  properties: { value: subjectKey, contentType: 'text/plain' }
}

resource certificateKeySecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: 'certificate-key'
  properties: { value: certificateKey, contentType: 'application/x-pem-file' }
}

resource tokenSecretSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(tokenSecret)) {
  parent: vault
  name: 'token-secret'
  properties: {
    value: tokenSecret
    contentType: 'text/plain'
  }
}

// ---- the app

// What the Functions host itself keeps: the program, leases of the timer.
resource hostAccount 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: take('${toLower(replace(name, '-', ''))}host${suffix}', 24)
  location: location
  kind: 'StorageV2'
  sku: { name: 'Standard_ZRS' }
  properties: {
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}

resource hostBlobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: hostAccount
  name: 'default'
}

resource packages 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: hostBlobs
  name: 'packages'
  properties: { publicAccess: 'None' }
}

resource log 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: '${name}-log'
  location: location
  properties: { sku: { name: 'PerGB2018' }, retentionInDays: 30 }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: '${name}-insights'
  location: location
  kind: 'web'
  properties: { Application_Type: 'web', WorkspaceResourceId: log.id, DisableLocalAuth: true }
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: '${name}-plan'
  location: location
  kind: 'functionapp'
  sku: { name: 'FC1', tier: 'FlexConsumption' }
  properties: { reserved: true }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: '${name}-${suffix}'
  location: location
  kind: 'functionapp,linux'
  identity: { type: 'SystemAssigned' }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostAccount.properties.primaryEndpoints.blob}${packages.name}'
          authentication: { type: 'SystemAssignedIdentity' }
        }
      }
      runtime: { name: 'custom', version: '1.0' }
      scaleAndConcurrency: { instanceMemoryMB: 2048, maximumInstanceCount: mostInstances }
    }
    siteConfig: { minTlsVersion: '1.2', ftpsState: 'Disabled', http20Enabled: true }
  }
}

// What is not given is not set.
var fromVault = '@Microsoft.KeyVault(SecretUri=${vault.properties.vaultUri}secrets'
var ofSecret = empty(tokenSecret) ? {} : { VOICEMAIL_TOKEN_SECRET: '${fromVault}/token-secret)' }
var ofIssuer = empty(tokenJwks) ? {} : { VOICEMAIL_TOKEN_JWKS: tokenJwks, VOICEMAIL_TOKEN_ISSUER: tokenIssuer }
var ofAudience = empty(tokenAudience) ? {} : { VOICEMAIL_TOKEN_AUDIENCE: tokenAudience }
var ofOrigins = empty(origins) ? {} : { VOICEMAIL_ORIGINS: origins }
var always = {
  AzureWebJobsStorage__accountName: hostAccount.name
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD'
  SWEEP_SCHEDULE: sweepSchedule
  VOICEMAIL_STORAGE: 'azure'
  VOICEMAIL_AZURE: '{${join(places, ',')}}'
  VOICEMAIL_REGION: location
  VOICEMAIL_TENANTS: tenants
  VOICEMAIL_SUBJECT_KEY: '${fromVault}/subject-key)'
  VOICEMAIL_CERTIFICATE_KEY: '${fromVault}/certificate-key)'
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union(always, ofSecret, ofIssuer, ofAudience, ofOrigins)
  dependsOn: [readsKeys, keepsItsOwn, subjectKeySecret, certificateKeySecret, tokenSecretSecret]
}
