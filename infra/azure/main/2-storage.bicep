
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
