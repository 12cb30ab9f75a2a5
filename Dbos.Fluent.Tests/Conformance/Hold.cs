using System.Data.Common;

namespace Dbos.Fluent.Tests.Conformance;

/// <summary>
/// A transaction that holds a lock. Disposing it lets go: by then the lock is gone, which closing alone would not promise.
/// </summary>
internal sealed class Hold(DbConnection connection) : IAsyncDisposable
{
    public async ValueTask DisposeAsync()
    {
        await using (var command = connection.CreateCommand())
        {
            command.CommandText = "ROLLBACK";
            await command.ExecuteNonQueryAsync();
        }

        await connection.DisposeAsync();
    }
}
