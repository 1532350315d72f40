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
