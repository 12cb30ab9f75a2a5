namespace Dbos.Fluent;

/// <summary>This version cannot work on the database: it is not a database at all, or nobody has migrated it.</summary>
public sealed class StoreSchemaException : DbosException
{
    internal StoreSchemaException(string what, Exception? inner = null)
        : base("DBOS3002", what, inner)
    {
    }
}
