// Voicemail on Azure: an app of Azure Functions (Flex Consumption, custom handler), a storage account in each region, the keys in
// a Key Vault, alerts. First without `subscribes`, then the app, then once more with it: Event Grid asks the
// function for drops whether it is there.

@description('What the names of all resources begin with.')
@minLength(3)
@maxLength(10)
param name string

@description('Where the app runs; one of the regions.')
param location string = resourceGroup().location

@description('The regions of the recordings, by the names that tenants have for them; the master regions of all tenants are among them.')
param regions array = [location]

@description('The tenants as JSON, as in VOICEMAIL_TENANTS.')
param tenants string

@description('The key of the hashes of callers: 32 bytes or more, the same for ever.')
@secure()
param subjectKey string

@description('An Ed25519 key (PKCS#8 PEM) that signs certificates of erasure.')
@secure()
param certificateKey string

@description('What tokens are signed with, 32 bytes or more, where there is no tokenJwks.')
@secure()
param tokenSecret string = ''

@description('The address of the key set of the issuer of tokens.')
param tokenJwks string = ''

@description('What iss must be in tokens, with a tokenJwks.')
param tokenIssuer string = ''

@description('What aud must be or hold. Empty, any.')
param tokenAudience string = ''

@description('The origins that CORS allows, separated by commas. Empty, none.')
param origins string = ''

@description('When the sweep runs, as a timer of Azure Functions says it: every five minutes, ten at most.')
param sweepSchedule string = '0 */5 * * * *'

@description('Whether the app is published, so that drops can be told to it.')
param subscribes bool = false

@description('Whom alerts are sent to. Empty, nobody.')
param alertEmail string = ''

@description('Instances of the app, at most.')
@minValue(1)
@maxValue(1000)
param mostInstances int = 40

var container = 'voicemail'
var suffix = uniqueString(resourceGroup().id)
var names = [for region in regions: take('${toLower(replace(name, '-', ''))}${uniqueString(resourceGroup().id, region)}', 24)]
var places = [for (region, i) in regions: '"${region}":{"account":"${names[i]}"}']
// What the storage asks of a recording's account, and no more: blobs with their metadata and tags, and keys for links.
var dataActions = [
  'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'
  'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'
  'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action'
  'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete'
  'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/tags/read'
  'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/tags/write'
]
var blobDataOwner = 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
var secretsUser = '4633458b-17de-408a-b874-0445c86b69e6'
var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

// ---- recordings and metadata

resource accounts 'Microsoft.Storage/storageAccounts@2023-05-01' = [for (region, i) in regions: {
  name: names[i]
  location: region
  kind: 'StorageV2'
  sku: { name: 'Standard_ZRS' }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    // Who has a key of the account could delete what is kept, and read what no token shows: the identity alone is let in.
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    // Index tags, by which the lifecycle finds what is condemned, are not there with a hierarchical namespace.
    isHnsEnabled: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}]

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = [for (region, i) in regions: {
  parent: accounts[i]
  name: 'default'
  properties: {
    // Each of these keeps what was erased.
    changeFeed: { enabled: false }
    containerDeleteRetentionPolicy: { enabled: false }
    deleteRetentionPolicy: { enabled: false }
    isVersioningEnabled: false
    restorePolicy: { enabled: false }
  }
}]

resource containers 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = [for (region, i) in regions: {
  parent: blobs[i]
  name: container
  properties: { publicAccess: 'None' }
}]

// The second net under an erasure: what is condemned and still there when a day is over.
resource lifecycles 'Microsoft.Storage/storageAccounts/managementPolicies@2023-05-01' = [for (region, i) in regions: {
  parent: accounts[i]
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'forget'
          enabled: true
          type: 'Lifecycle'
          definition: {
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 1 } } }
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['${container}/recordings/']
              blobIndexMatch: [{ name: 'forget', op: '==', value: '1' }]
            }
          }
        }
        {
          name: 'rejected'
          enabled: true
          type: 'Lifecycle'
          definition: {
            actions: { baseBlob: { delete: { daysAfterModificationGreaterThan: 1 } } }
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['${container}/rejected/'] }
          }
        }
      ]
    }
  }
  dependsOn: [containers[i]]
}]

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

// ---- who may what

resource keeper 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, 'voicemail keeper')
  properties: {
    roleName: '${name} voicemail keeper ${suffix}'
    description: 'Reads, writes, tags and deletes blobs and signs links to them. No built-in role writes tags but the owner of all data, who may change access, too.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/read'
          // What the start looks at: whether the account keeps what is deleted, and whether it has tags.
          'Microsoft.Storage/storageAccounts/blobServices/read'
          'Microsoft.Storage/storageAccounts/blobServices/getInfo/action'
          'Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action'
        ]
        dataActions: dataActions
      }
    ]
  }
}

resource keeps 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (region, i) in regions: {
  name: guid(accounts[i].id, app.id, 'keeper')
  scope: accounts[i]
  properties: { principalId: app.identity.principalId, principalType: 'ServicePrincipal', roleDefinitionId: keeper.id }
}]

resource readsKeys 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, app.id, secretsUser)
  scope: vault
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUser)
  }
}

// Of the host's own account, as Azure Functions asks for it.
resource keepsItsOwn 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostAccount.id, app.id, blobDataOwner)
  scope: hostAccount
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', blobDataOwner)
  }
}

resource tells 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, app.id, metricsPublisher)
  scope: insights
  properties: {
    principalId: app.identity.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
  }
}

// ---- drops

resource topics 'Microsoft.EventGrid/systemTopics@2022-06-15' = [for (region, i) in regions: {
  name: '${name}-drops-${region}'
  location: region
  properties: { source: accounts[i].id, topicType: 'Microsoft.Storage.StorageAccounts' }
}]

resource drops 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2022-06-15' = [for (region, i) in regions: if (subscribes) {
  parent: topics[i]
  name: 'on-drop'
  properties: {
    destination: {
      endpointType: 'AzureFunction'
      properties: { resourceId: '${app.id}/functions/on-drop', maxEventsPerBatch: 1 }
    }
    eventDeliverySchema: 'EventGridSchema'
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
      subjectBeginsWith: '/blobServices/default/containers/${container}/blobs/incoming/'
    }
    // What is older is taken by the schedule.
    retryPolicy: { eventTimeToLiveInMinutes: 10, maxDeliveryAttempts: 5 }
  }
}]

// ---- alerts

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(alertEmail)) {
  name: '${name}-alerts'
  location: 'global'
  properties: {
    groupShortName: take(name, 12)
    enabled: true
    emailReceivers: [{ name: 'operator', emailAddress: alertEmail, useCommonAlertSchema: true }]
  }
}

var alerts = [
  {
    name: 'erasure-overdue'
    text: 'An erasure is overdue. What was to be gone is not; the log of the sweep tells why.'
    query: 'AppTraces | where Message has "an erasure is overdue"'
    severity: 0
    operator: 'GreaterThan'
    minutes: 5
  }
  {
    name: 'sweep-failed'
    text: 'A sweep failed, or could not do all. The next tries again; the log tells what.'
    query: 'AppTraces | where Message has_any ("the next sweep tries again", "the next one goes on", "the next run tries again")'
    severity: 1
    operator: 'GreaterThan'
    minutes: 5
  }
  {
    name: 'sweep-missing'
    text: 'No sweep ended for 15 minutes. Erasures wait; is the app running?'
    query: 'AppTraces | where Message has "\\"message\\":\\"swept\\""'
    severity: 0
    operator: 'LessThanOrEqual'
    minutes: 15
  }
  {
    name: 'drop-rejected'
    text: 'A recording that was dropped can never be deposited. It lies under rejected/ for a day, with the reason.'
    query: 'AppTraces | where Message has "a drop was rejected"'
    severity: 2
    operator: 'GreaterThan'
    minutes: 5
  }
]

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-03-15-preview' = [for alert in alerts: {
  name: '${name}-${alert.name}'
  location: location
  kind: 'LogAlert'
  properties: {
    displayName: alert.name
    description: alert.text
    severity: alert.severity
    enabled: true
    scopes: [log.id]
    // The tables of a fresh workspace come with its first line.
    skipQueryValidation: true
    evaluationFrequency: 'PT5M'
    windowSize: 'PT${alert.minutes}M'
    criteria: {
      allOf: [
        {
          query: alert.query
          timeAggregation: 'Count'
          operator: alert.operator
          threshold: 0
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    autoMitigate: true
    actions: { actionGroups: empty(alertEmail) ? [] : [people.id] }
  }
}]

output address string = 'https://${app.properties.defaultHostName}'
output app string = app.name
output accounts array = [for (region, i) in regions: accounts[i].name]
